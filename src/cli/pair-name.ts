/** Which pair a reference of the command line means: the name of its file in pairs/. */
import { ArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';
import { namedReference } from './list-commands.js';

/** What is needed of a row of status/pairs.json. */
interface PairRow {
  readonly name: string;
  readonly primary: string;
  readonly secondary: string;
}

/** `PRIMARY:SECONDARY` of names or #NUMBERs, or one volume that is in one pair alone. */
export async function pairName(client: ArrayClient, reference: string): Promise<string> {
  const sides = await Promise.all(reference.split(':').map((side) => namedReference(client, side)));
  const [volume = '', ...others] = sides;
  if (others.length > 0) return sides.join(':');
  const rows = await pairRows(client);
  const [pair, ...more] = rows.filter(
    ({ primary, secondary }) => primary === volume || secondary === volume,
  );
  if (pair === undefined) throw new ArrayError('ENOENT', `no such pair: '${reference}'`);
  if (more.length > 0) {
    const names = [pair, ...more].map(({ name }) => name).join(', ');
    throw new ArrayError('EINVAL', `${volume} is in several pairs, name one of them: ${names}`);
  }
  return pair.name;
}

async function pairRows(client: ArrayClient): Promise<readonly PairRow[]> {
  const rows = await client.statusJson('pairs');
  if (!Array.isArray(rows)) throw new ArrayError('EIO', 'status/pairs.json is not a list');
  return rows as readonly PairRow[];
}
