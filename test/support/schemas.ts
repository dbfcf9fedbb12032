// SPDX-License-Identifier: Apache-2.0
// The published schemas, as a user's validator reads them: one may refer to another by its file name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';

const FOLDER = join(import.meta.dirname, '../../schemas');

export const schemaNames: readonly string[] = readdirSync(FOLDER).sort();

const ajv = new Ajv({ allErrors: true });
for (const name of schemaNames)
  ajv.addSchema(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as object, name);

/** What the schema (`check.json`) has against the value; empty when nothing. */
export function complaints(schema: string, value: unknown): readonly ErrorObject[] {
  const validate = ajv.getSchema(schema);
  if (validate === undefined) throw new Error(`there is no schema ${schema}`);
  return validate(value) === true ? [] : (validate.errors ?? []);
}
