// SPDX-License-Identifier: Apache-2.0
// The arithmetic of net/netfilter/xt_limit.c: credits in unsigned 32 bits, CREDITS_PER_JIFFY from HZ.

const SCALE = 10_000;

/** The largest power of two not above 2^32 / (jiffies of a day): a day's credit still fits 32 bits. */
export function creditsPerJiffy(hz: number): number {
  const most = Math.floor(0xffffffff / (hz * 60 * 60 * 24));
  return 2 ** Math.floor(Math.log2(most));
}

/** user2credits: overflow wraps as in the kernel's 32-bit arithmetic. */
function userToCredits(user: number, hz: number): number {
  const perJiffy = creditsPerJiffy(hz);
  const value = user >>> 0;
  if (value > Math.floor(0xffffffff / (hz * perJiffy))) {
    return Number((BigInt(Math.floor(value / SCALE)) * BigInt(hz * perJiffy)) & 0xffffffffn);
  }
  return Math.floor((value * hz * perJiffy) / SCALE);
}

export interface LimitCredits {
  readonly cost: number;
  readonly cap: number;
  readonly perJiffy: number;
}

export function limitCredits(average: number, burst: number, hz: number): LimitCredits {
  const product = Number((BigInt(average) * BigInt(burst)) & 0xffffffffn);
  return { cost: userToCredits(average, hz), cap: userToCredits(product, hz), perJiffy: creditsPerJiffy(hz) };
}
