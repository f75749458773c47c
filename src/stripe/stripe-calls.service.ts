import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/database';
import type { IntendStripeCall, StripeCallKind, StripeCallRecord } from './stripe-call.types';

/* eslint-disable */
@Injectable()
export class StripeCallsService {
  /** Writes the intent and the job that carries it out, in the caller's transaction. Returns the call's id. */
  async intend<K extends StripeCallKind>(tx: Tx, call: IntendStripeCall<K>): Promise<string> {
    throw new Error('not yet');
  }
  async listForPayout(payoutId: string): Promise<StripeCallRecord[]> {
    throw new Error('not yet');
  }
  async listFor(reference: string): Promise<StripeCallRecord[]> {
    throw new Error('not yet');
  }
}
