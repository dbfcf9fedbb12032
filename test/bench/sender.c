// SPDX-License-Identifier: Apache-2.0
// Source and sink of the path benchmark: UDP datagrams of FLOWS flows leave `src0` as fast as one core sends them, cross a veth
// pair and end at a socket whose buffer is full (so nothing behind the filter costs more than a lookup). Everything from the send
// to the sink runs in the sender's own softirq, so elapsed time / packets is the cost of the whole path.
// Usage: sender FLOWS MILLISECONDS    Prints {"packets":N,"delivered":N,"ns":N}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define PAYLOAD 18
#define PORT 9

struct frame {
	unsigned char destination[6], source[6], type[2];
	struct iphdr ip;
	struct udphdr udp;
	char payload[PAYLOAD];
} __attribute__((packed));

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static unsigned short header_sum(const void *data, int length)
{
	const unsigned short *words = data;
	unsigned int sum = 0;

	for (int i = 0; i < length / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* Datagrams that reached the sink's full buffer: UDP RcvbufErrors of this namespace. */
static unsigned long long delivered(void)
{
	char names[1024], values[1024];
	FILE *file = fopen("/proc/self/net/snmp", "r");
	unsigned long long found = 0;

	while (file && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		char *save1, *save2, *name, *value;

		if (strncmp(names, "Udp:", 4))
			continue;
		name = strtok_r(names, " \n", &save1);
		value = strtok_r(values, " \n", &save2);
		for (; name && value; name = strtok_r(NULL, " \n", &save1), value = strtok_r(NULL, " \n", &save2))
			if (!strcmp(name, "RcvbufErrors"))
				found = strtoull(value, NULL, 10);
		break;
	}
	if (file)
		fclose(file);
	return found;
}

static void open_sink(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), small = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("bind");
		exit(1);
	}
}

static void make_frames(struct frame *frames, int flows)
{
	static const unsigned char host[6] = { 2, 0, 0, 0, 0, 0x10 }, peer[6] = { 2, 0, 0, 0, 1, 0x10 };

	for (int i = 0; i < flows; i++) {
		struct frame *f = &frames[i];

		memset(f, 0, sizeof(*f));
		memcpy(f->destination, host, 6);
		memcpy(f->source, peer, 6);
		f->type[0] = 8;
		f->ip.version = 4;
		f->ip.ihl = 5;
		f->ip.ttl = 64;
		f->ip.protocol = IPPROTO_UDP;
		f->ip.tot_len = htons(sizeof(*f) - 14);
		f->ip.saddr = htonl(0xc6336401 + i % 64); /* 198.51.100.1 ... */
		f->ip.daddr = htonl(0xcb007102);	  /* 203.0.113.2 */
		f->ip.check = header_sum(&f->ip, sizeof(f->ip));
		f->udp.source = htons(20000 + i / 64);
		f->udp.dest = htons(PORT);
		f->udp.len = htons(sizeof(f->udp) + PAYLOAD);
	}
}

int main(int argc, char **argv)
{
	int flows = argc > 1 ? atoi(argv[1]) : 4096, yes = 1;
	unsigned long long limit = (argc > 2 ? atoi(argv[2]) : 500) * 1000000ULL, start, end, packets = 0, before;
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("src0"), .sll_halen = 6 };
	struct frame *frames = calloc(flows, sizeof(*frames));
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	if (fd < 0 || bind(fd, (struct sockaddr *)&link, sizeof(link))) {
		perror("packet socket on src0");
		return 1;
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	open_sink();
	make_frames(frames, flows);
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	/* The first round fills the sink and makes each flow's connection entry. */
	for (int round = 0; round < 2; round++) {
		start = now();
		packets = 0;
		before = delivered();
		do {
			for (int i = 0; i < BATCH; i++) {
				vectors[i].iov_base = &frames[(packets + i) % flows];
				vectors[i].iov_len = sizeof(*frames);
			}
			int sent = sendmmsg(fd, messages, BATCH, 0);
			if (sent > 0)
				packets += sent;
			end = now();
		} while (round == 0 ? packets < 2ULL * flows : end - start < limit);
	}
	printf("{\"packets\":%llu,\"delivered\":%llu,\"ns\":%llu}\n", packets, delivered() - before, end - start);
	return 0;
}
