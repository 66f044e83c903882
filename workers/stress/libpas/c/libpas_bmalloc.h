#ifndef PAGEWARDEN_DRIVER_LIBPAS_BMALLOC_H
#define PAGEWARDEN_DRIVER_LIBPAS_BMALLOC_H

#include "bmalloc_heap.h"
#include "bmalloc_heap_config.h"
#include "bmalloc_heap_ref.h"
#include "bmalloc_type.h"

/* Newer versions of libpas take a mode with each allocation, and a kind with each heap reference. */
#if __has_include("pas_allocation_mode.h")
#define COMMA_MODE , pas_non_compact_allocation_mode
#define TYPED_HEAP(type) BMALLOC_HEAP_REF_INITIALIZER(type, pas_bmalloc_heap_ref_kind_non_compact)
#define AUXILIARY_HEAP(type) BMALLOC_AUXILIARY_HEAP_REF_INITIALIZER(type, pas_bmalloc_heap_ref_kind_non_compact)
#else
#define COMMA_MODE
#define TYPED_HEAP(type) BMALLOC_HEAP_REF_INITIALIZER(type)
#define AUXILIARY_HEAP(type) BMALLOC_AUXILIARY_HEAP_REF_INITIALIZER(type)
#endif

#endif
