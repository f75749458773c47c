import type { Database } from './database';
import { badParameter, missing } from './errors';
import type { Kind, Kinds, Row } from './kinds';

/** The fields each kind's list may be filtered by, besides `created`. */
const indexed: Partial<Record<Kind, readonly string[]>> = {
  balance_transaction: ['currency', 'payout', 'source', 'type'],
  ephemeral_key: ['secret'],
  event: ['type'],
  'issuing.authorization': ['card', 'cardholder', 'status'],
  'issuing.card': ['cardholder', 'exp_month', 'exp_year', 'last4', 'personalization_design', 'status', 'type'],
  'issuing.cardholder': ['email', 'phone_number', 'status', 'type'],
  'issuing.personalization_design': ['lookup_key', 'status'],
  'issuing.dispute': ['status', 'transaction'],
  'issuing.transaction': ['card', 'cardholder', 'type'],
  payout: ['destination', 'status'],
  person: ['account'],
  topup: ['status'],
  transfer: ['destination', 'transfer_group'],
  transfer_reversal: ['transfer'],
};

export type Range = number | { gt?: number; gte?: number; lt?: number; lte?: number };

export interface ListParams {
  created?: Range;
  ending_before?: string;
  limit?: number;
  starting_after?: string;
}

export interface Filter {
  field: string;
  values: readonly (string | number)[];
}

/** A list's own extra condition on columns of `objects`, for the rare filter that has no index. */
export interface Condition {
  sql: string;
  values: (string | number)[];
}

export interface Page<K extends Kind> {
  rows: Row<K>[];
  hasMore: boolean;
}

interface ObjectRecord {
  seq: number;
  created: number;
  body: string;
  hidden: string;
}

/** Reads and writes objects by account and kind. */
export class Objects {
  constructor(private readonly db: Database) {}

  insert<K extends Kind>(account: string, created: number, body: Kinds[K]['body'], hidden: Kinds[K]['hidden']): Row<K> {
    const { id, object } = body as { id: string; object: Kind };
    const { lastId } = this.db.run(
      'insert into objects (account, kind, id, created, body, hidden) values (?, ?, ?, ?, ?, ?)',
      ...[account, object, id, created, JSON.stringify(body), JSON.stringify(hidden)],
    );
    for (const [field, value] of fieldValues(object, body, hidden))
      this.addField(account, object, field, value, created, lastId);
    return { body, hidden, seq: lastId, created };
  }

  find<K extends Kind>(account: string, kind: K, id: string): Row<K> | undefined {
    const record = this.db.find<ObjectRecord>(
      'select seq, created, body, hidden from objects where account = ? and kind = ? and id = ?',
      ...[account, kind, id],
    );
    return record && read<K>(record);
  }

  save<K extends Kind>(account: string, row: Row<K>): void {
    const { id, object } = row.body as { id: string; object: Kind };
    const before = this.find(account, object, id);
    this.db.run(
      'update objects set body = ?, hidden = ? where seq = ?',
      ...[JSON.stringify(row.body), JSON.stringify(row.hidden), row.seq],
    );
    if (!before || !indexed[object]) return;
    const old = new Map(fieldValues(object, before.body, before.hidden));
    const now = new Map(fieldValues(object, row.body, row.hidden));
    for (const field of new Set([...old.keys(), ...now.keys()])) {
      const [from, to] = [old.get(field), now.get(field)];
      if (from === to) continue;
      if (from !== undefined) {
        this.db.run(
          'delete from object_fields where account = ? and kind = ? and field = ? and value = ? and created = ? and seq = ?',
          ...[account, object, field, from, row.created, row.seq],
        );
      }
      if (to !== undefined) this.addField(account, object, field, to, row.created, row.seq);
    }
  }

  remove(account: string, kind: Kind, id: string): void {
    const row = this.find(account, kind, id);
    if (!row) return;
    this.db.run('delete from object_fields where account = ? and kind = ? and seq = ?', account, kind, row.seq);
    this.db.run('delete from objects where seq = ?', row.seq);
  }

  /** One page, newest first, in Stripe's cursor paging. */
  page<K extends Kind>(
    account: string,
    kind: K,
    params: ListParams,
    filters: Filter[] = [],
    condition?: Condition,
  ): Page<K> {
    const limit = params.limit ?? 10;
    if (limit < 1 || limit > 100) {
      const bound = limit < 1 ? 'greater than or equal to 1' : 'less than or equal to 100';
      throw badParameter(`This value must be ${bound}.`, 'limit', 'parameter_invalid_integer');
    }
    const backwards = params.ending_before !== undefined;
    if (backwards && params.starting_after !== undefined) {
      const message = 'You may only specify one of these parameters: ending_before, starting_after.';
      throw badParameter(message, 'starting_after');
    }
    const cursor = this.cursor(account, kind, params);
    const [lead, ...others] = filters;
    const from = lead ? 'object_fields f join objects o on o.seq = f.seq' : 'objects o';
    const key = lead ? 'f' : 'o';
    const where = [`${key}.account = ?`, `${key}.kind = ?`];
    const values: (string | number)[] = [account, kind];
    if (lead) where.push('f.field = ?', 'f.value = ?');
    const tail: (string | number)[] = [];
    for (const [operator, bound] of bounds(params.created)) {
      where.push(`${key}.created ${operator} ?`);
      tail.push(bound);
    }
    if (cursor) {
      where.push(`(${key}.created, ${key}.seq) ${backwards ? '>' : '<'} (?, ?)`);
      tail.push(cursor.created, cursor.seq);
    }
    for (const filter of others) {
      where.push(
        `exists (select 1 from object_fields x where x.account = o.account and x.kind = o.kind and x.field = ?
          and x.value in (${filter.values.map(() => '?').join(', ')}) and x.created = o.created and x.seq = o.seq)`,
      );
      tail.push(filter.field, ...filter.values.map(String));
    }
    if (condition) {
      where.push(condition.sql);
      tail.push(...condition.values);
    }
    const order = backwards ? 'asc' : 'desc';
    const sql = `select o.seq, o.created, o.body, o.hidden from ${from} where ${where.join(' and ')}
      order by ${key}.created ${order}, ${key}.seq ${order} limit ${limit + 1}`;

    // Several values of one field: a page of each, merged, so that every read follows the index.
    const found = lead
      ? lead.values.flatMap((value) => this.db.all<ObjectRecord>(sql, ...values, lead.field, String(value), ...tail))
      : this.db.all<ObjectRecord>(sql, ...values, ...tail);
    const sign = backwards ? 1 : -1;
    found.sort((a, b) => sign * (a.created - b.created || a.seq - b.seq));
    const records = found.slice(0, limit);
    if (backwards) records.reverse();
    return { rows: records.map((record) => read<K>(record)), hasMore: found.length > limit };
  }

  private cursor(account: string, kind: Kind, params: ListParams): Row<Kind> | undefined {
    const name = params.ending_before === undefined ? 'starting_after' : 'ending_before';
    const id = params[name];
    if (id === undefined) return undefined;
    const row = this.find(account, kind, id);
    if (!row) throw missing(nounOf(kind), id, name);
    return row;
  }

  private addField(account: string, kind: Kind, field: string, value: string, created: number, seq: number): void {
    this.db.run('insert into object_fields values (?, ?, ?, ?, ?, ?)', account, kind, field, value, created, seq);
  }
}

export function nounOf(kind: Kind): string {
  return kind.replace('issuing.', 'issuing ').replaceAll('_', ' ');
}

export function* bounds(range: Range | undefined): Generator<[operator: string, bound: number]> {
  if (range === undefined) return;
  if (typeof range === 'number') yield ['=', range];
  else {
    const operators = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
    for (const [name, bound] of Object.entries(range)) yield [operators[name as keyof typeof operators], bound];
  }
}

function read<K extends Kind>(record: ObjectRecord): Row<K> {
  return {
    body: JSON.parse(record.body) as Kinds[K]['body'],
    hidden: JSON.parse(record.hidden) as Kinds[K]['hidden'],
    seq: record.seq,
    created: record.created,
  };
}

function fieldValues(kind: Kind, body: object, hidden: object): [string, string][] {
  const values = { ...hidden, ...body } as Record<string, unknown>;
  return (indexed[kind] ?? []).flatMap((field): [string, string][] => {
    const value = values[field];
    return typeof value === 'string' || typeof value === 'number' ? [[field, String(value)]] : [];
  });
}
