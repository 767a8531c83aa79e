/*
 * rte_meter, colour-blind, 1,560 flows drawn at random.
 *
 *   meter-srtcm, meter-trtcm            most of it red
 *   meter-srtcm-mixed, -trtcm-mixed     at a rate that gives every colour its share
 */
#include "dpdk.h"
#include <rte_meter.h>

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
	uint64_t state = SEED;
	for (unsigned i = 0; i < PACKETS; i++)
		flow[i] = draw(&state) % FLOWS;
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

MEASUREMENTS(
	{ "meter-srtcm", meter_setup, srtcm },
	{ "meter-trtcm", meter_setup, trtcm },
	{ "meter-srtcm-mixed", meter_setup, srtcm_mixed },
	{ "meter-trtcm-mixed", meter_setup, trtcm_mixed },
)
