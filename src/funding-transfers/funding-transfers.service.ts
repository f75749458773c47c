import { Injectable } from '@nestjs/common';
import { Tx } from '../platform/database/database';
import { FundingRequest, FundingTransfer, ReclaimRequest } from './funding-transfer.types';

@Injectable()
export class FundingTransfersService {
  /**
   * Starts moving `amountMinor` plus `bufferMinor` to the account's Issuing balance, by the account's rail. Nothing is sent before
   * the caller's transaction commits. Ends in FundingTransferSettled, FundingTransferShort or FundingTransferFailed.
   * @throws {FundingAccountNotReady} {FundingTransferUnsettled}
   */
  begin(_tx: Tx, _request: FundingRequest): Promise<string> {
    throw new Error('Being written.');
  }

  /**
   * Starts bringing money back. The caller posts `reclaim_intended` in the same transaction. Ends in ReclaimSettled, or in
   * ReclaimFailed when all of it is still (or again) in the Issuing balance; ReclaimDelayed on the way tells of a hold-up.
   * @throws {FundingAccountNotReady} {FundingTransferUnsettled}
   */
  beginReclaim(_tx: Tx, _request: ReclaimRequest): Promise<string> {
    throw new Error('Being written.');
  }

  /** Every funding transfer of a reference, oldest first, with its hops: for the timeline. */
  listFor(_reference: string): Promise<FundingTransfer[]> {
    throw new Error('Being written.');
  }

  /** Those of a reference that are still on their way: at most one per direction. Pass the transaction to read what it wrote. */
  getUnsettled(_reference: string, _tx?: Tx): Promise<FundingTransfer[]> {
    throw new Error('Being written.');
  }
}
