// SPDX-License-Identifier: Apache-2.0
// A process that holds a netfilter runner and an executor's worth of programs until it is killed.
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { NetfilterRunner } from '../../src/kernel/netfilter/runner.js';

await NetfilterRunner.create({ host: DEFAULT_HOST, ipv4: '*filter\n:INPUT DROP [0:0]\nCOMMIT\n' });
process.stdout.write('ready\n');
setInterval(() => undefined, 1000);
