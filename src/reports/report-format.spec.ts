import { toMoment } from './report.dto';
import { toCsv, toCsvField, toJson } from './report-format.policy';
import { Report, ReportRow } from './report.types';

function reportOf(rows: readonly ReportRow[]): Report {
  return {
    name: 'settlement',
    period: {
      from: new Date('2026-11-01T00:00:00Z'),
      to: null,
      cutoff: null,
      connectedAccountId: null,
      payoutStatus: null,
      label: null,
    },
    columns: [
      { name: 'payout', type: 'text' },
      { name: 'captured', type: 'minor' },
      { name: 'approved', type: 'flag' },
    ],
    pages: (async function* () {
      await Promise.resolve();
      for (const row of rows) yield [row];
    })(),
    summary: () =>
      Promise.resolve({
        rows: rows.length,
        totals: { usd: { captured: 1n } },
        ledger: { usd: { captured: 1n } },
        ties: true,
      }),
  };
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

describe('CSV', () => {
  it('quotes what RFC 4180 says must be quoted', () => {
    expect(toCsvField('plain', 'text')).toBe('plain');
    expect(toCsvField('a,b', 'text')).toBe('"a,b"');
    expect(toCsvField('say "hi"', 'text')).toBe('"say ""hi"""');
    expect(toCsvField('two\nlines', 'text')).toBe('"two\nlines"');
    expect(toCsvField(null, 'text')).toBe('');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\r=1', ' =1', '|x', '＝1'])(
    'makes the formula %j plain text',
    (text) => {
      expect(toCsvField(text, 'text').replace(/^"/, '')).toMatch(/^'/);
    },
  );

  it('leaves numbers alone', () => {
    expect(toCsvField('-500', 'minor')).toBe('-500');
  });

  it('ends every line with CR LF, and an empty report is its header', async () => {
    expect(await textOf(toCsv(reportOf([{ payout: 'p', captured: '5', approved: 'true' }])))).toBe(
      'payout,captured,approved\r\np,5,true\r\n',
    );
    expect(await textOf(toCsv(reportOf([])))).toBe('payout,captured,approved\r\n');
  });
});

describe('JSON', () => {
  it('is one object with rows, totals and the ledger', async () => {
    const text = await textOf(
      toJson(
        reportOf([
          { payout: 'p', captured: '5', approved: 'false' },
          { payout: null, captured: '0', approved: null },
        ]),
      ),
    );

    expect(JSON.parse(text)).toEqual({
      object: 'report',
      name: 'settlement',
      from: '2026-11-01T00:00:00.000Z',
      to: null,
      cutoff: null,
      connected_account: null,
      status: null,
      label: null,
      data: [
        { payout: 'p', captured: 5, approved: false },
        { payout: null, captured: 0, approved: null },
      ],
      summary: { rows: 2, totals: { usd: { captured: 1 } }, ledger: { usd: { captured: 1 } }, ties: true },
    });
  });
});

describe('period', () => {
  it('takes days whole and moments exactly', () => {
    expect(toMoment('2026-11-30', 'start')).toEqual(new Date('2026-11-30T00:00:00Z'));
    expect(toMoment('2026-11-30', 'end')).toEqual(new Date('2026-12-01T00:00:00Z'));
    expect(toMoment('2026-11-30T10:00:00+02:00', 'end')).toEqual(new Date('2026-11-30T08:00:00Z'));
  });

  it.each(['2026-11-31', '2026-13-01', 'yesterday', '2026', '1'])('leaves %s to be refused', (text) => {
    expect(toMoment(text, 'start')).toBe(text);
  });
});
