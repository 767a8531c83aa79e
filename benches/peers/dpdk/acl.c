/*
 * rte_acl, source, destination, both ports and protocol, bursts of 32.
 *
 *   acl-10, -51, -100, -1000, -4096     so many rules, every packet one of a rule's
 *   the same with -mixed                half of the packets are drawn without looking at rules
 *
 * Its algorithms are tried when the rules are first asked, and the fastest one is kept.
 * Rules and packets are the same draws as `benches::compare::acl` makes.
 */
#include "dpdk.h"
#include <rte_acl.h>
#include <rte_byteorder.h>

#define MOST 4096u
#define PACKETS (1u << 16)
#define PASSES 8u

struct rule {
	uint32_t source, destination;
	uint8_t source_length, destination_length, protocol;
	uint16_t source_ports[2], destination_ports[2];
};

struct packet {
	uint8_t protocol;
	uint32_t source, destination;
	uint16_t source_port, destination_port;
} __rte_packed;

RTE_ACL_RULE_DEF(acl_rule, 5);

static const struct rte_acl_field_def fields[5] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(struct packet, protocol) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(struct packet, source) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(struct packet, destination) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(struct packet, source_port) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(struct packet, destination_port) },
};

static const struct {
	enum rte_acl_classify_alg alg;
	const char *name;
} algorithms[] = {
	{ RTE_ACL_CLASSIFY_SCALAR, "scalar" }, { RTE_ACL_CLASSIFY_SSE, "SSE4.1" },
	{ RTE_ACL_CLASSIFY_AVX2, "AVX2" }, { RTE_ACL_CLASSIFY_AVX512X16, "AVX-512 x16" },
	{ RTE_ACL_CLASSIFY_AVX512X32, "AVX-512 x32" },
};

static struct set {
	unsigned rules;
	struct rte_acl_ctx *acl;
	const char *algorithm;
	double build_ms, kib;
	const uint8_t *packets[2][PACKETS];	/* of rules; mixed */
} sets[] = { { .rules = 10 }, { .rules = 51 }, { .rules = 100 }, { .rules = 1000 }, { .rules = 4096 } };

static uint32_t below(uint64_t *state, uint32_t most)
{
	return (draw(state) >> 32) * most >> 32;
}

static uint32_t host(uint64_t *state, uint32_t sites)
{
	uint32_t site = below(state, sites);
	return 10u << 24 | site << 8 | (below(state, 254) + 1);
}

static uint32_t mask(uint8_t length)
{
	return length ? ~0u << (32 - length) : 0;
}

/* A host, or the network of one. */
static uint32_t prefix(uint64_t *state, uint32_t sites, uint32_t any, uint32_t hosts, uint8_t *length)
{
	uint32_t how = below(state, 100), address = host(state, sites);
	*length = how < any ? 0 : how < any + 10 ? 20 : how < any + 10 + hosts ? 32 : 24;
	return address & mask(*length);
}

static void make(struct rule *rules, unsigned n)
{
	uint64_t state = SEED;
	uint32_t sites = n / 4 + 4;
	for (struct rule *r = rules; r < rules + n; r++) {
		r->source = prefix(&state, sites, 15, 25, &r->source_length);
		r->destination = prefix(&state, sites, r->source_length ? 5 : 0, 40, &r->destination_length);
		r->source_ports[0] = below(&state, 10) ? 0 : 1024;
		r->source_ports[1] = 65535;
		uint32_t how = below(&state, 100), port = below(&state, 1023) + 1, wide = below(&state, 1000);
		r->destination_ports[0] = how < 60 ? port : how < 75 ? 1024 + port * 32 : how < 85 ? 1024 : 0;
		r->destination_ports[1] = how < 60 ? port : how < 75 ? 1024 + port * 32 + wide : 65535;
		how = below(&state, 10);
		r->protocol = how < 6 ? 6 : how < 9 ? 17 : 0;
	}
}

static int draw_packets(struct set *s, const struct rule *rules, int mixed)
{
	uint64_t state = SEED;
	uint32_t sites = s->rules / 4 + 4;
	struct packet *p = calloc(PACKETS + 4, sizeof *p);	/* it reads whole words */
	if (!p)
		return -1;
	for (unsigned i = 0; i < PACKETS; i++, p++) {
		const struct rule *r = &rules[below(&state, s->rules)];
		uint32_t source = host(&state, sites), destination = host(&state, sites);
		uint32_t from = 1024 + below(&state, 64512), to = below(&state, 65535) + 1;
		uint32_t within = below(&state, r->destination_ports[1] - r->destination_ports[0] + 1);
		uint8_t protocol = below(&state, 2) ? 6 : 17;
		if (below(&state, 2) || !mixed) {
			source = r->source | (source & ~mask(r->source_length));
			destination = r->destination | (destination & ~mask(r->destination_length));
			to = r->destination_ports[0] + within;
			protocol = r->protocol ? r->protocol : protocol;
		}
		*p = (struct packet){ protocol, rte_cpu_to_be_32(source), rte_cpu_to_be_32(destination),
				      rte_cpu_to_be_16(from), rte_cpu_to_be_16(to) };
		s->packets[mixed][i] = (const uint8_t *)p;
	}
	return 0;
}

static size_t memory(void)
{
	struct rte_malloc_socket_stats stats;
	rte_malloc_get_socket_stats(0, &stats);
	return stats.heap_allocsz_bytes;
}

static uint64_t pass(const struct set *s, int mixed, uint64_t *hits, uint64_t *sum)
{
	uint64_t ns = ns_now();
	for (unsigned i = 0; i < PACKETS; i += BURST) {
		uint32_t found[BURST];
		rte_acl_classify(s->acl, (const uint8_t **)&s->packets[mixed][i], found, BURST, 1);
		for (unsigned j = 0; j < BURST; j++) {
			*hits += found[j] != 0;
			*sum += found[j];
		}
	}
	return ns_now() - ns;
}

static int add(struct rte_acl_ctx *acl, const struct rule *r, unsigned at)
{
	struct acl_rule rule = { .data = { .category_mask = 1, .priority = MOST - at, .userdata = at + 1 } };
	rule.field[0].value.u8 = r->protocol;
	rule.field[0].mask_range.u8 = r->protocol ? 0xff : 0;
	rule.field[1].value.u32 = r->source;
	rule.field[1].mask_range.u32 = r->source_length;
	rule.field[2].value.u32 = r->destination;
	rule.field[2].mask_range.u32 = r->destination_length;
	rule.field[3].value.u16 = r->source_ports[0];
	rule.field[3].mask_range.u16 = r->source_ports[1];
	rule.field[4].value.u16 = r->destination_ports[0];
	rule.field[4].mask_range.u16 = r->destination_ports[1];
	return rte_acl_add_rules(acl, (struct rte_acl_rule *)&rule, 1);
}

/* The algorithm that takes the least time with these rules. */
static int choose(struct set *s)
{
	uint64_t best = UINT64_MAX, hits = 0, sum = 0;
	unsigned chosen = 0;
	for (unsigned a = 0; a < RTE_DIM(algorithms); a++)
		for (unsigned turn = 0; turn < 5 && !rte_acl_set_ctx_classify(s->acl, algorithms[a].alg); turn++) {
			uint64_t ns = pass(s, 0, &hits, &sum);
			if (ns < best) {
				best = ns;
				chosen = a;
			}
		}
	s->algorithm = algorithms[chosen].name;
	return rte_acl_set_ctx_classify(s->acl, algorithms[chosen].alg);
}

static int set_up(struct set *s)
{
	static struct rule rules[MOST];
	char name[16];
	struct rte_acl_param param = { .name = name, .socket_id = 0, .rule_size = RTE_ACL_RULE_SZ(5),
		.max_rule_num = s->rules };
	struct rte_acl_config config = { .num_categories = 1, .num_fields = 5 };
	if (s->acl)
		return 0;
	memcpy(config.defs, fields, sizeof fields);
	snprintf(name, sizeof name, "acl-%u", s->rules);
	make(rules, s->rules);
	if (draw_packets(s, rules, 0) || draw_packets(s, rules, 1) || !(s->acl = rte_acl_create(&param)))
		return -1;
	for (unsigned i = 0; i < s->rules; i++)
		if (add(s->acl, &rules[i], i))
			return -1;
	size_t before = memory();
	uint64_t ns = ns_now();
	if (rte_acl_build(s->acl, &config))
		return -1;
	s->build_ms = (ns_now() - ns) / 1e6;
	s->kib = (memory() - before) / 1024.0;
	return choose(s);
}

static void measure(const struct set *s, int mixed, struct took *out)
{
	uint64_t ns = 0, hits = 0, sum = 0;
	for (unsigned i = 0; i < PASSES; i++)
		ns += pass(s, mixed, &hits, &sum);
	out->items = PASSES * PACKETS;
	out->ns = (double)ns / out->items;
	snprintf(out->more, sizeof out->more, "hits=%" PRIu64 " sum=%" PRIu64 "; %s, built in %.1f ms, %.0f KiB",
		 hits, sum, s->algorithm, s->build_ms, s->kib);
}

#define OF(at) \
	static int set_up_##at(void) { return set_up(&sets[at]); } \
	static void rules_##at(struct took *out) { measure(&sets[at], 0, out); } \
	static void mixed_##at(struct took *out) { measure(&sets[at], 1, out); }
OF(0) OF(1) OF(2) OF(3) OF(4)

MEASUREMENTS(
	{ "acl-10", set_up_0, rules_0 }, { "acl-10-mixed", set_up_0, mixed_0 },
	{ "acl-51", set_up_1, rules_1 }, { "acl-51-mixed", set_up_1, mixed_1 },
	{ "acl-100", set_up_2, rules_2 }, { "acl-100-mixed", set_up_2, mixed_2 },
	{ "acl-1000", set_up_3, rules_3 }, { "acl-1000-mixed", set_up_3, mixed_3 },
	{ "acl-4096", set_up_4, rules_4 }, { "acl-4096-mixed", set_up_4, mixed_4 })
