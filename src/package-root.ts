// SPDX-License-Identifier: Apache-2.0
// Where the package stands: its C sources and schemas are read as files, from src/ and from dist/src/ alike.
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Absolute, without a trailing slash. */
export const PACKAGE_ROOT = here.replace(/(\/dist)?\/src\/$/, '');
