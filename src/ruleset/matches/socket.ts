// SPDX-License-Identifier: Apache-2.0
// socket match, revision 3. iptables-extensions(8) socket; net/netfilter/xt_socket.c.
import { opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

const FLAGS = ['--transparent', '--nowildcard', '--restore-skmark'];

export const socketCodec = opaqueMatch('socket', {}, (options) =>
  FLAGS.map((name) => flagText(options, name)).join(''),
);
