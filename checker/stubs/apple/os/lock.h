#pragma once
#include <stdint.h>
typedef struct {
    uint32_t opaque;
} os_unfair_lock;
typedef os_unfair_lock* os_unfair_lock_t;
#define OS_UNFAIR_LOCK_INIT {0}
