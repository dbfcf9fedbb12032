// SPDX-License-Identifier: Apache-2.0
// nfnetlink_log, group 0: the lines of LOG, NFLOG and TRACE, read synchronously after each packet.
// Messages: include/uapi/linux/netfilter/nfnetlink_log.h; each attribute is padded to 4 bytes.
import {
  addressOf,
  AF_NETLINK,
  bindSocket,
  openSocket,
  receive,
  receiveMany,
  sendTo,
  setSocketOption,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVBUFFORCE,
} from '../libc.js';
import { SystemCallError } from '../errno.js';
import type { Namespace } from '../namespace.js';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_ULOG = 4;
const NFULNL_MSG_PACKET = 0;
const NFULNL_MSG_CONFIG = 1;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLMSG_ERROR = 2;
/** nlmsghdr and nfgenmsg. */
const HEADER_BYTES = 20;

const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_QTHRESH = 5;
const CMD_BIND = 1;
const COPY_META = 1;

const NFULA_PREFIX = 10;

const RECEIVE_BUFFER = 32 << 20;
/** Lines carry no payload, so they fit. */
const MESSAGE_BYTES = 1024;
const MESSAGES = 64;
const MMSGHDR_BYTES = 64;

export class LogSocket {
  private readonly messages = Buffer.alloc(MESSAGES * MESSAGE_BYTES);
  private readonly headers = Buffer.alloc(MESSAGES * MMSGHDR_BYTES);
  private readonly vectors = Buffer.alloc(MESSAGES * 16);

  private constructor(private readonly fd: number) {
    for (let i = 0; i < MESSAGES; i++) {
      this.vectors.writeBigUInt64LE(addressOf(this.messages) + BigInt(i * MESSAGE_BYTES), i * 16);
      this.vectors.writeBigUInt64LE(BigInt(MESSAGE_BYTES), i * 16 + 8);
      // struct msghdr: iov at 16, iovlen at 24.
      this.headers.writeBigUInt64LE(addressOf(this.vectors) + BigInt(i * 16), i * MMSGHDR_BYTES + 16);
      this.headers.writeBigUInt64LE(1n, i * MMSGHDR_BYTES + 24);
    }
  }

  /** Opens the socket inside the namespace and makes both families log to it, one message at a time. */
  static open(namespace: Namespace): LogSocket {
    const fd = namespace.inside(() => namespace.keep(openSocket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)));
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    bindSocket(fd, address);
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
    const socket = new LogSocket(fd);
    socket.configure(NFULA_CFG_CMD, Buffer.from([CMD_BIND]));
    const mode = Buffer.alloc(6);
    mode.writeUInt8(COPY_META, 4);
    socket.configure(NFULA_CFG_MODE, mode);
    const threshold = Buffer.alloc(4);
    threshold.writeUInt32BE(1);
    socket.configure(NFULA_CFG_QTHRESH, threshold);
    for (const family of [2, 10]) {
      namespace.sysctl(`net/netfilter/nf_log/${String(family)}`, 'nfnetlink_log');
    }
    return socket;
  }

  private configure(attribute: number, value: Buffer): void {
    const request = Buffer.alloc(HEADER_BYTES + 4 + Math.ceil(value.length / 4) * 4);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt16LE((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG, 4);
    request.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK, 6);
    request.writeUInt16LE(4 + value.length, HEADER_BYTES);
    request.writeUInt16LE(attribute, HEADER_BYTES + 2);
    value.copy(request, HEADER_BYTES + 4);
    sendNetlink(this.fd, request);
    const reply = Buffer.alloc(MESSAGE_BYTES);
    receive(this.fd, reply, true);
    if (reply.readUInt16LE(4) !== NLMSG_ERROR) throw new Error('nfnetlink_log: no acknowledgement');
    const errno = -reply.readInt32LE(16);
    if (errno !== 0) throw new SystemCallError('nfnetlink_log configuration', errno);
  }

  /** Prefixes of all lines waiting, in order. */
  drain(): string[] {
    const prefixes: string[] = [];
    for (;;) {
      const count = receiveMany(this.fd, this.headers, MESSAGES);
      for (let i = 0; i < count; i++) {
        const length = this.headers.readUInt32LE(i * MMSGHDR_BYTES + 56);
        this.readPrefixes(i * MESSAGE_BYTES, i * MESSAGE_BYTES + length, prefixes);
      }
      if (count < MESSAGES) return prefixes;
    }
  }

  private readPrefixes(start: number, end: number, into: string[]): void {
    const bytes = this.messages;
    for (let at = start; at + HEADER_BYTES <= end;) {
      const messageEnd = at + bytes.readUInt32LE(at);
      if (bytes.readUInt16LE(at + 4) === ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET)) {
        for (let attribute = at + HEADER_BYTES; attribute + 4 <= messageEnd;) {
          const length = bytes.readUInt16LE(attribute);
          if (length < 4) break;
          if ((bytes.readUInt16LE(attribute + 2) & 0x3fff) === NFULA_PREFIX) {
            into.push(bytes.toString('latin1', attribute + 4, attribute + length - 1));
            break;
          }
          attribute += (length + 3) & ~3;
        }
      }
      at = (messageEnd + 3) & ~3;
    }
  }
}

function sendNetlink(fd: number, request: Buffer): void {
  const kernel = Buffer.alloc(12);
  kernel.writeUInt16LE(AF_NETLINK, 0);
  const errno = sendTo(fd, request, kernel);
  if (errno !== 0) throw new SystemCallError('sendto(netlink)', errno);
}
