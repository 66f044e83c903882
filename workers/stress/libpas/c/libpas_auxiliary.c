#include "driver.h"
#include "libpas_bmalloc.h"

static bmalloc_type types[AUXILIARY_HEAPS], primitive;
static pas_heap_ref typed[AUXILIARY_HEAPS];
static pas_primitive_heap_ref auxiliary[AUXILIARY_HEAPS];

void auxiliary_begin(void)
{
    primitive = BMALLOC_TYPE_INITIALIZER(1, 1, "auxiliary");
    for (unsigned index = 0; index < AUXILIARY_HEAPS; ++index) {
        types[index] = BMALLOC_TYPE_INITIALIZER(16 + 64 * index, 16, "typed");
        typed[index] = TYPED_HEAP(&types[index]);
        auxiliary[index] = AUXILIARY_HEAP(&primitive);
    }
}

size_t typed_size(unsigned index)
{
    return types[index].size;
}

void* typed_allocate(unsigned index)
{
    return bmalloc_iso_allocate(&typed[index] COMMA_MODE);
}

void* auxiliary_allocate(unsigned index, size_t size)
{
    return bmalloc_allocate_auxiliary(&auxiliary[index], size COMMA_MODE);
}

const struct heap auxiliary_heap = { "typed or auxiliary", NULL, bmalloc_deallocate, false };
