import fc from 'fast-check';
import { BookedRequest, freedOf, NetworkRecord, planHolds } from './hold-booking.policy';

const request = (change: Partial<BookedRequest> = {}): BookedRequest => ({
  id: 'authreq_0',
  sequence: 0,
  approved: true,
  reason: 'approved',
  heldMinor: 60_00n,
  balanceTransactionId: null,
  ...change,
});
const approved = (amountMinor = 60_00n) => ({ approved: true, reason: 'webhook_approved', amountMinor });
const declined = (reason: string, amountMinor = 60_00n) => ({ approved: false, reason, amountMinor });
const hold = (balanceTransactionId: string, amountMinor = 60_00n) => ({ balanceTransactionId, amountMinor });
const network = (change: Partial<NetworkRecord> = {}): NetworkRecord => ({
  status: 'pending',
  history: [approved()],
  unexplainedHolds: [hold('txn_1')],
  ...change,
});

describe('planning holds', () => {
  it('links a hold to the question of its amount, oldest first', () => {
    const requests = [
      request(),
      request({ id: 'authreq_1', sequence: 1, heldMinor: 20_00n }),
      request({ id: 'authreq_2', sequence: 2, heldMinor: 20_00n }),
    ];

    const plan = planHolds(
      requests,
      network({
        history: [approved(), approved(20_00n), approved(20_00n)],
        unexplainedHolds: [hold('txn_b', 20_00n), hold('txn_a'), hold('txn_c', 20_00n)],
      }),
    );

    expect(plan.links).toEqual([
      { requestId: 'authreq_1', balanceTransactionId: 'txn_b' },
      { requestId: 'authreq_0', balanceTransactionId: 'txn_a' },
      { requestId: 'authreq_2', balanceTransactionId: 'txn_c' },
    ]);
    expect(plan).toMatchObject({ posts: [], withdrawals: [], unseen: [] });
  });

  it('withdraws what the network declined after our approval, and says so', () => {
    const plan = planHolds(
      [request()],
      network({ status: 'closed', history: [declined('webhook_timeout')], unexplainedHolds: [] }),
    );

    expect(plan.withdrawals).toEqual(['authreq_0']);
    expect(plan.outcomes).toMatchObject([{ outcome: 'declined', difference: 'declined_by_network' }]);
  });

  it('waits while the network has not said anything yet', () => {
    expect(planHolds([request()], network({ history: [], unexplainedHolds: [] }))).toMatchObject({
      withdrawals: [],
      posts: [],
      outcomes: [],
    });
  });

  it('withdraws a hold that never showed once the authorization has ended', () => {
    const plan = planHolds([request()], network({ status: 'expired', history: [], unexplainedHolds: [] }));

    expect(plan.withdrawals).toEqual(['authreq_0']);
  });

  it('posts a hold of a question we never saw', () => {
    const plan = planHolds([], network({ history: [{ ...approved(), reason: 'webhook_timeout' }] }));

    expect(plan.unseen).toMatchObject([{ sequence: 0, approved: true, difference: 'not_asked' }]);
    expect(plan.posts).toEqual([{ balanceTransactionId: 'txn_1', amountMinor: 60_00n, sequence: 0 }]);
  });

  it('posts a hold that the network took although we had declined', () => {
    const plan = planHolds(
      [request({ approved: false, reason: 'already_used', heldMinor: 0n })],
      network({ history: [{ ...approved(), reason: 'network_fallback' }] }),
    );

    expect(plan.outcomes).toMatchObject([{ difference: 'approved_by_network' }]);
    expect(plan.posts).toMatchObject([{ sequence: 0 }]);
  });

  it('takes a refusal that was sent before the approval was written for a refusal', () => {
    const plan = planHolds(
      [request({ reason: 'deadline_exceeded' })],
      network({ status: 'closed', history: [declined('webhook_declined')], unexplainedHolds: [] }),
    );

    expect(plan).toMatchObject({ withdrawals: ['authreq_0'], outcomes: [{ difference: null }] });
  });

  it('replaces our hold by Stripe’s when it holds another amount than it asked for', () => {
    const plan = planHolds(
      [request({ heldMinor: 1_00n })],
      network({ history: [approved(1_00n)], unexplainedHolds: [hold('txn_1', 100_00n)] }),
    );

    expect(plan.withdrawals).toEqual(['authreq_0']);
    expect(plan.posts).toEqual([{ balanceTransactionId: 'txn_1', amountMinor: 100_00n, sequence: 0 }]);
  });

  it('adds a hold that comes beside ours, as when a pump reports more than was held', () => {
    const plan = planHolds(
      [request({ balanceTransactionId: 'txn_0' })],
      network({ unexplainedHolds: [hold('txn_1', 20_00n)] }),
    );

    expect(plan).toMatchObject({
      withdrawals: [],
      links: [],
      posts: [{ balanceTransactionId: 'txn_1', sequence: null }],
    });
  });

  it('says nothing of a decline of Stripe’s own: nobody was asked', () => {
    const plan = planHolds(
      [],
      network({ status: 'closed', history: [declined('spending_controls')], unexplainedHolds: [] }),
    );

    expect(plan.unseen).toMatchObject([{ approved: false, reason: 'spending_controls', difference: null }]);
  });

  it('never withdraws a hold that Stripe showed, whatever the history says', () => {
    const questions = fc.array(
      fc.record({ isShown: fc.boolean(), heldMinor: fc.bigInt({ min: 1n, max: 3n }), isDenied: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(questions, fc.constantFrom('pending', 'closed', 'expired'), (asked, status) => {
        const requests = asked.map(({ isShown, heldMinor }, sequence) =>
          request({
            id: `authreq_${sequence}`,
            sequence,
            heldMinor,
            balanceTransactionId: isShown ? `txn_${sequence}` : null,
          }),
        );
        const history = asked.map(({ heldMinor, isDenied }) =>
          isDenied ? declined('card_canceled', heldMinor) : approved(heldMinor),
        );

        const plan = planHolds(requests, { status, history, unexplainedHolds: [] });

        const unshown = asked.flatMap(({ isShown, isDenied }, sequence) =>
          !isShown && (isDenied || status !== 'pending') ? [`authreq_${sequence}`] : [],
        );
        expect([...plan.withdrawals].sort()).toEqual(unshown);
        expect(plan).toMatchObject({ links: [], posts: [] });
      }),
    );
  });

  it('ends with exactly Stripe’s holds, whatever we had and whatever the order', () => {
    const amounts = fc.bigInt({ min: 1n, max: 5n });
    fc.assert(
      fc.property(
        fc.array(fc.record({ ours: fc.option(amounts, { nil: null }), approved: fc.boolean(), theirs: amounts }), {
          maxLength: 6,
        }),
        fc.constantFrom('pending', 'closed'),
        fc.boolean(),
        (questions, status, isReversed) => {
          const requests = questions.flatMap(({ ours }, sequence) =>
            ours === null ? [] : [request({ id: `authreq_${sequence}`, sequence, heldMinor: ours })],
          );
          const holds = questions.flatMap(({ approved: taken, theirs }, at) =>
            taken ? [hold(`txn_${at}`, theirs)] : [],
          );
          const history = questions.map(({ approved: taken, theirs }) =>
            taken ? approved(theirs) : declined('webhook_declined', theirs),
          );

          const plan = planHolds(requests, { status, history, unexplainedHolds: isReversed ? holds.reverse() : holds });

          const linked = requests.filter(({ id }) => plan.links.some(({ requestId }) => requestId === id));
          const left = requests.filter(({ id }) => !plan.withdrawals.includes(id));
          const sum = (parts: bigint[]) => parts.reduce((total, part) => total + part, 0n);
          const explained = [...plan.links, ...plan.posts].map(({ balanceTransactionId }) => balanceTransactionId);
          expect(explained.sort()).toEqual(holds.map(({ balanceTransactionId }) => balanceTransactionId).sort());
          expect(left.filter(({ id }) => linked.some((each) => each.id === id))).toEqual(linked);
          if (status === 'closed') {
            expect(
              sum([...left.map(({ heldMinor }) => heldMinor), ...plan.posts.map(({ amountMinor }) => amountMinor)]),
            ).toBe(sum(holds.map(({ amountMinor }) => amountMinor)));
          }
        },
      ),
    );
  });
});

describe('letting go of a hold', () => {
  it('frees the part without backing first', () => {
    expect(freedOf({ heldMinor: 100n, backedMinor: 60n }, 40n)).toBe(0n);
    expect(freedOf({ heldMinor: 100n, backedMinor: 60n }, 70n)).toBe(30n);
    expect(freedOf({ heldMinor: 100n, backedMinor: 60n }, 100n)).toBe(60n);
  });

  it('frees all of the backing in the end, however the hold is let go of', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 1n, max: 50n }), { minLength: 1, maxLength: 8 }),
        fc.bigInt({ min: 0n, max: 400n }),
        (parts, wish) => {
          let heldMinor = parts.reduce((sum, part) => sum + part, 0n);
          let backedMinor = wish < heldMinor ? wish : heldMinor;
          const all = backedMinor;
          let freed = 0n;
          for (const part of parts) {
            const freedNow = freedOf({ heldMinor, backedMinor }, part);
            heldMinor -= part;
            backedMinor -= freedNow;
            freed += freedNow;
            expect(backedMinor).toBeLessThanOrEqual(heldMinor);
          }
          expect(freed).toBe(all);
        },
      ),
    );
  });
});
