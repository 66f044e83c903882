/* The allocation driver: one phase a process. A phase ends with "ok", with a trap that names its address, or with
   wrong contents. Everything is deterministic but the order in which threads run. */

#ifndef PAGEWARDEN_DRIVER_H
#define PAGEWARDEN_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* A phase returns when it has seen nothing wrong. */
struct phase {
    const char* name;
    void (*run)(void);
};

/* The end of the table has no name. */
extern const struct phase phases[];

/* Where objects come from and go to. */
struct heap {
    const char* name;
    void* (*allocate)(size_t size);
    void (*release)(void* object);
};

extern const struct heap common_heap;  /* what malloc is in WebKit */
extern const struct heap aligned_heap; /* the same, each object aligned to the largest power of two that is in it */
extern const struct heap jit_heap;     /* needs jit_memory_add() */
extern const struct heap utility_heap;

/* A live object; `begin` is null where there is none. */
struct object {
    unsigned char* begin;
    size_t size;
    uint32_t seed;
};

/* Prints a line, unbuffered. */
void say(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the process as one that read other contents than it wrote. */
void wrong_contents(const struct heap*, const struct object*, size_t offset) __attribute__((noreturn));

/* The next of a fixed sequence; `state` is not zero. */
uint32_t next_random(uint32_t* state);

/* Uniform from `low` to `high`, both included. */
size_t random_size(uint32_t* state, size_t low, size_t high);

/* Allocates and fills. An allocation that returns null ends the process. */
void make(struct object*, const struct heap*, size_t size, uint32_t seed);

/* Compares with what `make` wrote, as far as `size` says now. */
void verify(const struct heap*, const struct object*);

/* Verifies and frees, if it is there. */
void drop(struct object*, const struct heap*);

/* `count` objects of `low` to `high` bytes: made; every other one freed; memory given back to the kernel; the rest
   verified; the holes filled again; all freed; given back again. */
void churn(const struct heap*, unsigned count, size_t low, size_t high, uint32_t seed);

/* Makes the scavenger do all that it can do, now. */
void scavenge(void);

/* No scavenger thread until the process ends: what is scavenged, and when, is the phase's choice. */
void scavenge_only_when_told(void);

/* Gives the JIT heap `size` bytes, as an executable pool does. */
void jit_memory_add(size_t size);

#endif
