/*
 * DPDK's libraries, measured beside Viaduct by `benches compare`.
 *
 * It reads names of measurements from standard input, one a line, makes one
 * repetition of each (setting it up the first time), and answers with one line:
 *
 *     NAME NANOSECONDS ITEMS [KEY=VALUE ...]      processor time per item
 *     ! NAME why not
 *
 * so that whoever asks can put repetitions of its own in between. The first line
 * is `ready HZ VERSION`: TSC ticks a second and the library's version.
 *
 *   meter-srtcm, meter-trtcm            rte_meter, colour-blind, 1,560 flows, most of it red
 *   meter-srtcm-mixed, -trtcm-mixed     the same at a rate that gives every colour its share
 *   sched-390-busy, sched-1-busy        rte_sched, class written + enqueue + dequeue, 64-byte
 *                                       packets, bursts of 32, 390 sites of 13 queues all in
 *                                       use / one of 390 in use; rates never the limit
 *
 * Built by `benches compare` itself, with `cc -O3 -march=native`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <inttypes.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_meter.h>
#include <rte_sched.h>
#include <rte_version.h>

#define BURST 32u

/* What one repetition took. */
struct took {
	double ns;
	uint64_t items;
	char more[96];
};

/* xorshift64*: a fixed seed, the same draws as `benches::compare` makes. */
static uint64_t rs = 0x9E3779B97F4A7C15ull;
static uint64_t rnd(void)
{
	rs ^= rs >> 12; rs ^= rs << 25; rs ^= rs >> 27;
	return rs * 0x2545F4914F6CDD1Dull;
}

/* The processor's time that this thread had: what others took of it does not count. */
static uint64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* ---- rte_meter ---- */

#define FLOWS 1560u
#define PACKETS (1u << 21)

static uint32_t *flow;
static struct rte_meter_srtcm_profile sr_profile;
static struct rte_meter_trtcm_profile tr_profile;
static struct rte_meter_srtcm *sr;
static struct rte_meter_trtcm *tr;

static int meter_setup(void)
{
	struct rte_meter_srtcm_params sp = { .cir = 30000000, .cbs = 4096, .ebs = 8192 };
	struct rte_meter_trtcm_params tp = { .cir = 30000000, .pir = 60000000, .cbs = 4096, .pbs = 8192 };
	if (flow)
		return 0;
	if (rte_meter_srtcm_profile_config(&sr_profile, &sp) || rte_meter_trtcm_profile_config(&tr_profile, &tp))
		return -1;
	sr = rte_zmalloc(NULL, FLOWS * sizeof *sr, 64);
	tr = rte_zmalloc(NULL, FLOWS * sizeof *tr, 64);
	flow = malloc(PACKETS * sizeof *flow);
	if (!sr || !tr || !flow)
		return -1;
	for (unsigned i = 0; i < PACKETS; i++)
		flow[i] = rnd() % FLOWS;
	return 0;
}

/* Time is synthetic, `gap` ticks a packet, so that no clock is read inside. */
static void meter(int trtcm, double gap_ns, struct took *out)
{
	uint64_t colours[3] = { 0 }, hz = rte_get_tsc_hz(), gap = (uint64_t)(gap_ns * hz / 1e9 + 0.5);
	for (unsigned i = 0; i < FLOWS; i++) {
		rte_meter_srtcm_config(&sr[i], &sr_profile);
		rte_meter_trtcm_config(&tr[i], &tr_profile);
	}
	uint64_t now = rte_rdtsc() + hz / 100, ns = ns_now();
	if (trtcm)
		for (unsigned i = 0; i < PACKETS; i++, now += gap)
			colours[rte_meter_trtcm_color_blind_check(&tr[flow[i]], &tr_profile, now, 64 + (i & 1023))]++;
	else
		for (unsigned i = 0; i < PACKETS; i++, now += gap)
			colours[rte_meter_srtcm_color_blind_check(&sr[flow[i]], &sr_profile, now, 64 + (i & 1023))]++;
	out->ns = (double)(ns_now() - ns) / PACKETS;
	out->items = PACKETS;
	snprintf(out->more, sizeof out->more, "green=%" PRIu64 " yellow=%" PRIu64 " red=%" PRIu64,
		 colours[0], colours[1], colours[2]);
}

static void srtcm(struct took *out) { meter(0, 1, out); }
static void trtcm(struct took *out) { meter(1, 1, out); }
static void srtcm_mixed(struct took *out) { meter(0, 5, out); }
static void trtcm_mixed(struct took *out) { meter(1, 5, out); }

/* ---- rte_sched ---- */

#define SITES 390u
#define QUEUES 13u	/* 12 strict ones and one best effort */
#define DEPTH 16u
#define LENGTH 64u
#define ITEMS (1u << 20)

static struct rte_mempool *pool;

struct load {
	struct rte_sched_port *port;
	unsigned sites, next;
};

static struct load all_busy = { .sites = SITES }, one_busy = { .sites = 1 };

static struct rte_sched_port *port(const char *name)
{
	uint64_t rate = 1250000000ull * 100;	/* 1 Tbit/s: never the limit */
	unsigned pipes = rte_align32pow2(SITES);
	struct rte_sched_pipe_params pipe = { .tb_rate = rate, .tb_size = 1000000, .tc_period = 10,
		.tc_ov_weight = 1, .wrr_weights = { 1, 1, 1, 1 } };
	struct rte_sched_subport_profile_params profile = { .tb_rate = rate, .tb_size = 10000000, .tc_period = 10 };
	for (unsigned i = 0; i < RTE_SCHED_TRAFFIC_CLASSES_PER_PIPE; i++)
		pipe.tc_rate[i] = profile.tc_rate[i] = rate;
	struct rte_sched_port_params params = { .name = name, .socket = 0, .rate = rate, .mtu = 1522,
		.frame_overhead = RTE_SCHED_FRAME_OVERHEAD_DEFAULT, .n_subports_per_port = 1,
		.subport_profiles = &profile, .n_subport_profiles = 1, .n_max_subport_profiles = 1,
		.n_pipes_per_subport = pipes };
	struct rte_sched_subport_params sub = { .n_pipes_per_subport_enabled = pipes,
		.pipe_profiles = &pipe, .n_pipe_profiles = 1, .n_max_pipe_profiles = 1 };
	for (unsigned i = 0; i < RTE_SCHED_TRAFFIC_CLASSES_PER_PIPE; i++)
		sub.qsize[i] = 64;
	struct rte_sched_port *p = rte_sched_port_config(&params);
	if (!p || rte_sched_subport_config(p, 0, &sub, 0))
		return NULL;
	for (unsigned i = 0; i < SITES; i++)
		if (rte_sched_pipe_config(p, 0, i, 0))
			return NULL;
	return p;
}

static void classify(struct load *l, struct rte_mbuf *m)
{
	rte_sched_port_pkt_write(l->port, m, 0, l->next / QUEUES, l->next % QUEUES, 0, RTE_COLOR_GREEN);
	if (++l->next == l->sites * QUEUES)
		l->next = 0;
}

static int sched_setup(struct load *l, const char *name)
{
	if (l->port)
		return 0;
	if (!pool)
		pool = rte_pktmbuf_pool_create("pool", (1u << 17) - 1, 256, 0, 256, 0);
	if (!pool || !(l->port = port(name)))
		return -1;
	for (unsigned i = 0; i < l->sites * QUEUES * DEPTH; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		if (!m)
			return -1;
		m->pkt_len = m->data_len = LENGTH;
		classify(l, m);
		rte_sched_port_enqueue(l->port, &m, 1);
	}
	return 0;
}

/* Each packet that leaves is given a class again and queued at once. */
static void sched(struct load *l, struct took *out)
{
	struct rte_mbuf *m[BURST];
	uint64_t n = 0, calls = 0, lost = 0, ns = ns_now();
	for (; n < ITEMS && calls < ITEMS; calls++) {
		int got = rte_sched_port_dequeue(l->port, m, BURST);
		for (int i = 0; i < got; i++)
			classify(l, m[i]);
		if (got)
			lost += got - rte_sched_port_enqueue(l->port, m, got);
		n += got;
	}
	out->ns = (double)(ns_now() - ns) / n;
	out->items = n;
	snprintf(out->more, sizeof out->more, "burst=%.1f lost=%" PRIu64, (double)n / calls, lost);
}

static int all_setup(void) { return sched_setup(&all_busy, "all"); }
static int one_setup(void) { return sched_setup(&one_busy, "one"); }
static void all_run(struct took *out) { sched(&all_busy, out); }
static void one_run(struct took *out) { sched(&one_busy, out); }

/* ---- what can be asked ---- */

static const struct measurement {
	const char *name;
	int (*setup)(void);
	void (*run)(struct took *);
} measurements[] = {
	{ "meter-srtcm", meter_setup, srtcm },
	{ "meter-trtcm", meter_setup, trtcm },
	{ "meter-srtcm-mixed", meter_setup, srtcm_mixed },
	{ "meter-trtcm-mixed", meter_setup, trtcm_mixed },
	{ "sched-390-busy", all_setup, all_run },
	{ "sched-1-busy", one_setup, one_run },
};

static void answer(const char *name)
{
	struct took took = { 0 };
	for (unsigned i = 0; i < RTE_DIM(measurements); i++) {
		if (strcmp(measurements[i].name, name))
			continue;
		if (measurements[i].setup()) {
			printf("! %s cannot be set up\n", name);
			return;
		}
		measurements[i].run(&took);
		printf("%s %.4f %" PRIu64 " %s\n", name, took.ns, took.items, took.more);
		return;
	}
	printf("! %s is not known\n", name);
}

int main(int argc, char **argv)
{
	char line[128];
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	printf("ready %" PRIu64 " %s\n", rte_get_tsc_hz(), rte_version());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		answer(line);
		fflush(stdout);
	}
	rte_eal_cleanup();
	return 0;
}
