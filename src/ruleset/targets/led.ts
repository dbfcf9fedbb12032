// SPDX-License-Identifier: Apache-2.0
// LED. iptables-extensions(8) LED; net/netfilter/xt_LED.c.
import { UINT32_MAX, unsignedInteger } from '../options.js';
import { BOTH_FAMILIES, flags, opaqueTarget } from './opaque.js';

/** Bytes of the trigger's name behind `netfilter-`. */
const NAME_LENGTH = 16;

export const ledCodec = opaqueTarget(
  'LED',
  BOTH_FAMILIES,
  { '--led-trigger-id': { mandatory: true }, '--led-delay': {}, '--led-always-blink': {} },
  (options) => {
    const name = options.text('--led-trigger-id')!;
    if (name.length > NAME_LENGTH)
      options.badValue('--led-trigger-id', `expected at most ${NAME_LENGTH} bytes`);
    let delay = '';
    const text = options.text('--led-delay');
    if (text !== undefined) {
      const endless = /^inf/i.test(text);
      const milliseconds = endless ? UINT32_MAX : unsignedInteger(text, 0, UINT32_MAX);
      if (milliseconds === undefined) options.badValue('--led-delay', 'expected milliseconds or `inf`');
      // Printed as a signed number, so `inf` comes back as -1.
      else if (milliseconds > 0) delay = ` --led-delay ${milliseconds | 0}`;
    }
    const quoted = name.replace(/["\\]/g, '\\$&');
    return ` --led-trigger-id "${quoted}"${delay}` + flags(options, ['--led-always-blink']);
  },
);
