/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The decision table: data, the same program for 10 rules or 100,000. It is part of the object (section
 * .rodata.tab, read-only once loaded). Format: src/program/table-format.ts.
 */
#ifndef IPT2EBPF_TABLE_H
#define IPT2EBPF_TABLE_H

#include <linux/types.h>

#ifndef TABLE_MASK
#define TABLE_MASK 1023 /* words in the table, a power of two, less one */
#endif

#define LEAF 0x80000000u

/* No BTF for it: libbpf refuses an extern whose section comes from assembly. */
extern const __u32 table[] __attribute__((nodebug));

/* Word of the table. The mask stays, whatever clang knows of the index: older verifiers know less. */
#define T(index) (__builtin_constant_p(index) ? table[(index) & TABLE_MASK] : table_word(index))

static __always_inline __u32 table_word(__u32 index)
{
	asm("" : "+r"(index));
	return table[index & TABLE_MASK];
}

#endif
