/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Included by shapes.c: shows that include directories work. */
struct key {
	__u32 a, b;
};

static __attribute__((always_inline)) inline int inlined(int x)
{
	return x * 3 + (x >> 2);
}
