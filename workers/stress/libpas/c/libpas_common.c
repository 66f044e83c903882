#include "driver.h"
#include "libpas_bmalloc.h"

static void* allocate_common(size_t size)
{
    return bmalloc_allocate(size COMMA_MODE);
}

static void* allocate_aligned(size_t size)
{
    size_t alignment = (size_t)1 << (sizeof(long) * 8 - 1 - (unsigned)__builtin_clzl(size));

    return bmalloc_allocate_with_alignment(size, alignment COMMA_MODE);
}

const struct heap common_heap = { "common", allocate_common, bmalloc_deallocate, false };
const struct heap aligned_heap = { "aligned", allocate_aligned, bmalloc_deallocate, false };

void common_bitfit_only(void)
{
    bmalloc_intrinsic_runtime_config.base.max_segregated_object_size = 0;
}
