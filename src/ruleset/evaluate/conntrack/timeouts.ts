// SPDX-License-Identifier: Apache-2.0
// Lifetimes of tracked connections in ticks: the kernel's defaults, or what host.json's sysctls say
// (Documentation/networking/nf_conntrack-sysctl.rst).
import type { Host } from '../../../host/host.js';
import { conntrackTimeout } from '../../../host/sysctls.js';
import type { SctpStateName } from './sctp-state.js';
import type { TcpStateName } from './tcp-state.js';

export interface Timeouts {
  readonly generic: number;
  readonly icmp: number;
  readonly icmpv6: number;
  readonly udp: number;
  readonly udpStream: number;
  readonly gre: number;
  readonly greStream: number;
  readonly tcp: Readonly<Record<TcpStateName, number>>;
  readonly tcpUnacknowledged: number;
  readonly sctp: Readonly<Record<SctpStateName, number>>;
}

const DAY = 86_400;

export function readTimeouts(host: Host, hz: number): Timeouts {
  const ticks = (name: string, seconds: number): number =>
    Math.round(conntrackTimeout(host, `nf_conntrack_${name}`, seconds) * hz);
  return {
    generic: ticks('generic_timeout', 600),
    icmp: ticks('icmp_timeout', 30),
    icmpv6: ticks('icmpv6_timeout', 30),
    udp: ticks('udp_timeout', 30),
    udpStream: ticks('udp_timeout_stream', 120),
    gre: ticks('gre_timeout', 30),
    greStream: ticks('gre_timeout_stream', 180),
    tcp: {
      NONE: 0,
      SYN_SENT: ticks('tcp_timeout_syn_sent', 120),
      SYN_RECV: ticks('tcp_timeout_syn_recv', 60),
      ESTABLISHED: ticks('tcp_timeout_established', 5 * DAY),
      FIN_WAIT: ticks('tcp_timeout_fin_wait', 120),
      CLOSE_WAIT: ticks('tcp_timeout_close_wait', 60),
      LAST_ACK: ticks('tcp_timeout_last_ack', 30),
      TIME_WAIT: ticks('tcp_timeout_time_wait', 120),
      CLOSE: ticks('tcp_timeout_close', 10),
      SYN_SENT2: ticks('tcp_timeout_syn_sent', 120),
    },
    tcpUnacknowledged: ticks('tcp_timeout_unacknowledged', 300),
    sctp: {
      NONE: 0,
      CLOSED: ticks('sctp_timeout_closed', 10),
      COOKIE_WAIT: ticks('sctp_timeout_cookie_wait', 3),
      COOKIE_ECHOED: ticks('sctp_timeout_cookie_echoed', 3),
      ESTABLISHED: ticks('sctp_timeout_established', 210),
      SHUTDOWN_SENT: ticks('sctp_timeout_shutdown_sent', 3),
      SHUTDOWN_RECD: ticks('sctp_timeout_shutdown_recd', 3),
      SHUTDOWN_ACK_SENT: ticks('sctp_timeout_shutdown_ack_sent', 3),
      HEARTBEAT_SENT: ticks('sctp_timeout_heartbeat_sent', 30),
    },
  };
}
