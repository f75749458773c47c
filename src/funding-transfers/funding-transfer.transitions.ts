import { TransitionTable } from '../shared/transitions';
import { FundingTransferStatus } from './funding-transfer.types';

/**
 * The legal moves of a funding transfer, in either direction. Where the money stands is told beside it by `moneyAt`.
 * Checked once, at start.
 */
export const fundingTransferTransitions: TransitionTable<FundingTransferStatus> = {
  // `settled` at once only on the prefunded rail: the money is there already, so nothing travels.
  pending: ['in_transit', 'unknown', 'failed', 'settled'],
  in_transit: ['settled', 'unknown', 'failed'],
  unknown: ['in_transit', 'settled', 'failed'],
  // Outward: a reclaim took some or all of it back. Inward: the bank sent a paid bank payout back.
  settled: ['partially_returned', 'returned'],
  partially_returned: ['returned'],
  failed: ['returned'], // the first hop had moved: it goes back
  returned: [],
};
