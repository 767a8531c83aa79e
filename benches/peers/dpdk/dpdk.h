/*
 * What the measurements of DPDK's libraries have in common. A file a subject says by
 * MEASUREMENTS which names it answers to; main.c asks it.
 */
#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_malloc.h>

#define BURST 32u

/* What one repetition took: nanoseconds an item, items, and what else is worth saying. */
struct took {
	double ns;
	uint64_t items;
	char more[96];
};

struct measurement {
	const char *name;
	int (*setup)(void);	/* before each repetition; 0 if it is ready */
	void (*run)(struct took *);
};

void offer(const struct measurement *some, unsigned count);

/* Offers what stands between the parentheses when the program starts. */
#define MEASUREMENTS(...) \
	static const struct measurement measurements[] = { __VA_ARGS__ }; \
	__attribute__((constructor)) static void offer_measurements(void) \
	{ \
		offer(measurements, RTE_DIM(measurements)); \
	}

/* xorshift64*: a fixed seed, the same draws as `benches::compare` makes. */
#define SEED 0x9E3779B97F4A7C15ull
static inline uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12; *state ^= *state << 25; *state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1Dull;
}

/* The processor's time that this thread had: what others took of it does not count. */
static inline uint64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}
