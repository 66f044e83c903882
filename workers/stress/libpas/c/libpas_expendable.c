#include "driver.h"

#include "pas_heap_lock.h"
#include "pas_large_expendable_memory.h"

unsigned char* expendable_allocate(size_t size)
{
    unsigned char* result;

    pas_heap_lock_lock();
    result = pas_large_expendable_memory_allocate(size, 16, "driver");
    pas_large_expendable_memory_commit_if_necessary(result, size);
    result[0] = result[size - 1] = 1;
    pas_heap_lock_unlock();
    return result;
}

void expendable_commit(unsigned char* begin, size_t size)
{
    pas_heap_lock_lock();
    pas_large_expendable_memory_commit_if_necessary(begin, size);
    begin[size / 2] = 1;
    pas_heap_lock_unlock();
}
