#include "driver.h"

#include "pas_heap_lock.h"
#include "pas_internal_config.h"
#include "pas_utility_heap.h"

const size_t utility_largest = PAS_UTILITY_LOOKUP_SIZE_UPPER_BOUND - 10;

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

const struct heap utility_heap = { "utility", allocate_utility, release_utility, false };
