/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The init of a machine that exists to load programs: reads /objects (image.ts), creates the maps, loads every
 * program with bpf(2), writes one line of JSON for each on the console, and turns the machine off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define LOG_BYTES (16 << 20)
#define TAIL_BYTES 900

static const char *at;
static char *verifier_log;

static unsigned int word(void)
{
	unsigned int value;

	memcpy(&value, at, 4);
	at += 4;
	return value;
}

/* `size` bytes, padded to words in the image. */
static const void *bytes(unsigned int size)
{
	const void *start = at;

	at += (size + 3) & ~3u;
	return start;
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_btf(void)
{
	union bpf_attr attr = {};

	attr.btf_size = word();
	attr.btf = (unsigned long)bytes(attr.btf_size);
	return bpf(BPF_BTF_LOAD, &attr);
}

static int create_map(void)
{
	union bpf_attr attr = {};
	unsigned int frozen, size, zero = 0;
	const void *contents;
	int fd;

	memcpy(attr.map_name, bytes(16), 15);
	attr.map_type = word();
	attr.key_size = word();
	attr.value_size = word();
	attr.max_entries = word();
	attr.map_flags = word();
	frozen = word();
	size = word();
	contents = bytes(size);
	fd = bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0 || !size)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (unsigned long)&zero;
	attr.value = (unsigned long)contents;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	if (frozen && bpf(BPF_MAP_FREEZE, &attr))
		return -1;
	return fd;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if (*text == '\n')
			printf("\\n");
		else
			putchar((unsigned char)*text < 32 ? ' ' : *text);
	}
	putchar('"');
}

static void load_program(const char *object, int btf, const int *maps)
{
	union bpf_attr attr = {};
	char name[BPF_OBJ_NAME_LEN] = {}, *tail;
	const unsigned int *references;
	struct bpf_insn *instructions;
	unsigned int count;
	long began;
	int fd, error;

	memcpy(name, bytes(16), 15);
	attr.prog_type = word();
	count = word();
	instructions = malloc(count * 8);
	memcpy(instructions, bytes(count * 8), count * 8);
	attr.insn_cnt = count;
	for (count = word(), references = bytes(count * 12); count; count--, references += 3) {
		struct bpf_insn *pair = instructions + references[0];
		int inside = references[2] != ~0u;

		pair[0].src_reg = inside ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		pair[0].imm = maps[references[1]];
		pair[1].imm = inside ? references[2] : 0;
	}
	attr.insns = (unsigned long)instructions;
	attr.license = (unsigned long)"Dual BSD/GPL";
	memcpy(attr.prog_name, name, sizeof(name));
	attr.prog_btf_fd = btf;
	attr.func_info_rec_size = 8;
	attr.func_info_cnt = word();
	attr.func_info = (unsigned long)bytes(attr.func_info_cnt * 8);
	attr.line_info_rec_size = 16;
	attr.line_info_cnt = word();
	attr.line_info = (unsigned long)bytes(attr.line_info_cnt * 16);
	began = milliseconds();
	fd = bpf(BPF_PROG_LOAD, &attr);
	error = fd < 0 ? errno : 0;
	began = milliseconds() - began;
	if (fd >= 0)
		close(fd);
	/* Once more with a log: statistics, or why not. */
	attr.log_level = fd < 0 ? 1 : 4;
	attr.log_size = LOG_BYTES;
	attr.log_buf = (unsigned long)verifier_log;
	verifier_log[0] = 0;
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		close(fd);
	tail = verifier_log + strlen(verifier_log);
	tail = tail - verifier_log > TAIL_BYTES ? tail - TAIL_BYTES : verifier_log;
	printf("LOADED {\"object\":\"%s\",\"program\":\"%s\",\"errno\":%d,\"milliseconds\":%ld,\"log\":", object, name,
	       error, began);
	print_string(tail);
	puts("}");
	free(instructions);
}

int main(void)
{
	size_t size = 0, room = 64 << 20;
	char *image = malloc(room);
	struct utsname system;
	int file = open("/objects", O_RDONLY);
	unsigned int objects;
	ssize_t got;

	verifier_log = malloc(LOG_BYTES);
	while (file >= 0 && (got = read(file, image + size, room - size)) > 0)
		size += got;
	at = image;
	uname(&system);
	printf("\nKERNEL %s\n", system.release);
	for (objects = word(); objects; objects--) {
		int btf, maps[64];
		unsigned int count, i;
		char name[33] = {};

		memcpy(name, bytes(32), 32);
		btf = load_btf();
		count = word();
		for (i = 0; i < count && i < 64; i++) {
			maps[i] = create_map();
			if (maps[i] < 0)
				printf("MAP %u of %s: errno %d\n", i, name, errno);
		}
		for (count = word(); count; count--)
			load_program(name, btf, maps);
		while (i--)
			close(maps[i]);
		close(btf);
	}
	puts("DONE");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
