// SPDX-License-Identifier: Apache-2.0
// All targets by the name that `-j` takes. Jumps and rules without a target are no extensions.
import type { TargetExtension } from '../extension.js';
import { auditCodec } from './audit.js';
import { checksumCodec } from './checksum.js';
import { classifyCodec } from './classify.js';
import { clusteripCodec } from './clusterip.js';
import { connmarkCodec } from './connmark.js';
import { connsecmarkCodec } from './connsecmark.js';
import { ctCodec, notrackCodec } from './ct.js';
import { dscpCodec } from './dscp.js';
import { ecnCodec } from './ecn.js';
import { hmarkCodec } from './hmark.js';
import { idletimerCodec } from './idletimer.js';
import type { Target } from './index.js';
import { ledCodec } from './led.js';
import { logCodec } from './log.js';
import { markCodec } from './mark.js';
import { dnatCodec, masqueradeCodec, redirectCodec, snatCodec } from './nat.js';
import { netmapCodec } from './netmap.js';
import { nflogCodec } from './nflog.js';
import { nfqueueCodec } from './nfqueue.js';
import { dnptCodec, snptCodec } from './npt.js';
import { queueCodec } from './queue.js';
import { rateestCodec } from './rateest.js';
import { rejectCodec } from './reject.js';
import { secmarkCodec } from './secmark.js';
import { setCodec } from './set.js';
import { synproxyCodec } from './synproxy.js';
import { tcpmssCodec } from './tcpmss.js';
import { tcpoptstripCodec } from './tcpoptstrip.js';
import { teeCodec } from './tee.js';
import { tosCodec } from './tos.js';
import { tproxyCodec } from './tproxy.js';
import { traceCodec } from './trace.js';
import { hlCodec, ttlCodec } from './ttl.js';
import { ulogCodec } from './ulog.js';
import { acceptCodec, dropCodec, returnCodec } from './verdict.js';

/** Each codec is asked with its own payload only: `Target` is the union of them. */
type AnyTarget = TargetExtension<Target>;

const ALL = [
  acceptCodec,
  auditCodec,
  checksumCodec,
  classifyCodec,
  clusteripCodec,
  connmarkCodec,
  connsecmarkCodec,
  ctCodec,
  dnatCodec,
  dnptCodec,
  dropCodec,
  dscpCodec,
  ecnCodec,
  hlCodec,
  hmarkCodec,
  idletimerCodec,
  ledCodec,
  logCodec,
  markCodec,
  masqueradeCodec,
  netmapCodec,
  nflogCodec,
  nfqueueCodec,
  notrackCodec,
  queueCodec,
  rateestCodec,
  redirectCodec,
  rejectCodec,
  returnCodec,
  secmarkCodec,
  setCodec,
  snatCodec,
  snptCodec,
  synproxyCodec,
  tcpmssCodec,
  tcpoptstripCodec,
  teeCodec,
  tosCodec,
  tproxyCodec,
  traceCodec,
  ttlCodec,
  ulogCodec,
];

export const TARGETS: ReadonlyMap<string, AnyTarget> = new Map(
  ALL.map((codec) => [codec.name, codec as AnyTarget]),
);

/** The `-j` or `-g` name and options of a typed target, as iptables-save prints them; empty without target. */
export function targetName(target: Target): string | undefined {
  switch (target.kind) {
    case 'none':
      return undefined;
    case 'jump':
      return target.chain;
    case 'verdict':
      return target.verdict;
    case 'CT':
      return target.spelledNotrack ? 'NOTRACK' : 'CT';
    case 'opaque':
      return target.name;
    default:
      return target.kind;
  }
}
