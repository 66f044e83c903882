#pragma once
#include <mach/mach_types.h>
typedef struct {
    vm_address_t address;
    vm_size_t size;
} vm_range_t;
typedef kern_return_t memory_reader_t(task_t, vm_address_t, vm_size_t, void**);
typedef void vm_range_recorder_t(task_t, void*, unsigned, vm_range_t*, unsigned);
typedef struct _malloc_zone_t malloc_zone_t;
