#pragma once
#include <stddef.h>
#include <stdint.h>
typedef __PTRDIFF_TYPE__ ssize_t;
typedef int64_t off_t;
typedef int pid_t;
typedef unsigned uid_t;
