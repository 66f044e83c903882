#include "driver.h"

#include "jit_heap.h"
#include "jit_heap_config.h"

#include <sys/mman.h>

const struct heap executable_heap = { "jit", jit_heap_try_allocate, jit_heap_deallocate, true };

void executable_memory_add(size_t size)
{
    char* begin = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (begin == MAP_FAILED)
        give_up("no memory for the executable pool");
    jit_heap_add_fresh_memory(pas_range_create((uintptr_t)begin, (uintptr_t)begin + size));
}

void executable_shrink(struct object* object, size_t size)
{
    object->size = size;
    jit_heap_shrink(object->begin, size);
}

void executable_bitfit_only(void)
{
    jit_heap_runtime_config.max_segregated_object_size = 0;
}
