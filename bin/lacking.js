// SPDX-License-Identifier: Apache-2.0
// What this user on this machine lacks to run the runners on the kernel (netfilter, kernel), one sentence a
// line; nothing when they can run. Being root is not enough: containers have roots without rights.
import { lackingFor } from '../dist/src/kernel/feature.js';

for (const sentence of new Set([...lackingFor('netfilter'), ...lackingFor('kernel')])) console.log(sentence);
