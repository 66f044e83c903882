#pragma once
#include <stddef.h>
struct FILE;
