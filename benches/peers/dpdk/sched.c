/*
 * rte_sched: class written + enqueue + dequeue, 64-byte packets, bursts of 32, rates
 * never the limit.
 *
 *   sched-390-busy     390 sites of 13 queues, all in use
 *   sched-1-busy       one of the 390 in use
 *
 * Packets lie in buffers of the size that DPDK's own applications give them, 2 KiB and headroom, as
 * Viaduct's do: how far apart they lie is a good part of what a tree of so many packets costs.
 */
#include "dpdk.h"
#include <rte_mbuf.h>
#include <rte_sched.h>

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
		pool = rte_pktmbuf_pool_create("pool", (1u << 17) - 1, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
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

MEASUREMENTS(
	{ "sched-390-busy", all_setup, all_run },
	{ "sched-1-busy", one_setup, one_run },
)
