#!/usr/bin/env -S node --import tsx
// SPDX-License-Identifier: Apache-2.0
// Runs the commands from source, without a build: for development.
import { execute } from '@oclif/core';

await execute({ development: true, dir: import.meta.url });
