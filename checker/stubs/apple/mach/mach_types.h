#pragma once
#include <stdint.h>
typedef int kern_return_t;
typedef unsigned mach_port_t;
typedef mach_port_t task_t;
typedef mach_port_t thread_t;
typedef uintptr_t vm_address_t;
typedef uintptr_t vm_size_t;
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_size_t;
