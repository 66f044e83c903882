/* libpas as the driver sees it. All that differs between versions of libpas is here. */

#include "heaps.h"

#include "jit_heap.h"
#include "pas_heap_lock.h"
#include "pas_scavenger.h"
#include "pas_utility_heap.h"

#include <sys/mman.h>

static void* allocate_common(size_t size)
{
    return bmalloc_allocate(size COMMA_MODE);
}

static void* allocate_aligned(size_t size)
{
    size_t alignment = (size_t)1 << (sizeof(long) * 8 - 1 - (unsigned)__builtin_clzl(size));

    return bmalloc_allocate_with_alignment(size, alignment COMMA_MODE);
}

static void* allocate_utility(size_t size)
{
    void* result;

    pas_heap_lock_lock();
    result = pas_utility_heap_allocate(size, "driver");
    pas_heap_lock_unlock();
    return result;
}

static void release_utility(void* object)
{
    pas_heap_lock_lock();
    pas_utility_heap_deallocate(object);
    pas_heap_lock_unlock();
}

const struct heap common_heap = { "common", allocate_common, bmalloc_deallocate };
const struct heap aligned_heap = { "aligned", allocate_aligned, bmalloc_deallocate };
const struct heap jit_heap = { "jit", jit_heap_try_allocate, jit_heap_deallocate };
const struct heap utility_heap = { "utility", allocate_utility, release_utility };

void jit_memory_add(size_t size)
{
    char* begin = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    jit_heap_add_fresh_memory(pas_range_create((uintptr_t)begin, (uintptr_t)begin + size));
}

void scavenge(void)
{
    pas_scavenger_run_synchronously_now();
}

void scavenge_only_when_told(void)
{
    pas_scavenger_suspend();
}
