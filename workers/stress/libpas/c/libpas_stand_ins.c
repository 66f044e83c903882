/* Stand-ins, by name, for what bmalloc's C++ side gives to libpas: there is no system heap to divert to. Which of them a
   version of libpas asks for differs, so its header is not included, and what it defines itself comes first. */

#include <stdbool.h>
#include <stdlib.h>

#define NO(name)                                          \
    bool name(int heap_config_kind);                      \
    __attribute__((weak)) bool name(int heap_config_kind) \
    {                                                     \
        (void)heap_config_kind;                           \
        return false;                                     \
    }

#define NEVER_CALLED(name)                \
    void name(void);                      \
    __attribute__((weak)) void name(void) \
    {                                     \
        abort();                          \
    }

NO(pas_system_heap_is_enabled)
NO(pas_system_heap_should_supplant_bmalloc)
NEVER_CALLED(pas_system_heap_malloc)
NEVER_CALLED(pas_system_heap_memalign)
NEVER_CALLED(pas_system_heap_realloc)
NEVER_CALLED(pas_system_heap_malloc_compact)
NEVER_CALLED(pas_system_heap_memalign_compact)
NEVER_CALLED(pas_system_heap_realloc_compact)
NEVER_CALLED(pas_system_heap_free)

/* As older versions call it. */
NO(pas_debug_heap_is_enabled)
NEVER_CALLED(pas_debug_heap_malloc)
NEVER_CALLED(pas_debug_heap_memalign)
NEVER_CALLED(pas_debug_heap_realloc)
NEVER_CALLED(pas_debug_heap_free)
