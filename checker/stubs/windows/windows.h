#pragma once
#include <stddef.h>
#include <stdint.h>
typedef int BOOL;
typedef unsigned long DWORD;
typedef void* PVOID;
typedef void* HANDLE;
typedef union {
    PVOID opaque;
} INIT_ONCE;
typedef INIT_ONCE* PINIT_ONCE;
typedef struct {
    PVOID opaque;
} SRWLOCK;
typedef struct {
    PVOID opaque;
} CONDITION_VARIABLE;
#define INIT_ONCE_STATIC_INIT {0}
#define SRWLOCK_INIT {0}
#define CONDITION_VARIABLE_INIT {0}
