import { Injectable, OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { Tx } from '../platform/database/database';
import { findMethods, FoundMethod } from '../platform/jobs/handlers';
import { onStripeCallMetadata } from './on-stripe-call.decorator';
import type { SettledStripeCall, StripeCallKind } from './stripe-call.types';

/** Who wants to know the outcome of which kind of call: found once, at start. */
@Injectable()
export class StripeCallHandlers implements OnModuleInit {
  private readonly handlers = new Map<StripeCallKind, FoundMethod<readonly StripeCallKind[]>[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const found = findMethods<readonly StripeCallKind[]>(
      this.discovery,
      this.scanner,
      this.reflector,
      onStripeCallMetadata,
    );
    for (const method of found) {
      for (const kind of method.metadata) this.handlers.set(kind, [...(this.handlers.get(kind) ?? []), method]);
    }
  }

  /** In the transaction of the outcome. Throws when a handler throws: then nothing of the outcome is kept. */
  async tell(tx: Tx, call: SettledStripeCall): Promise<void> {
    for (const handler of this.handlers.get(call.kind) ?? []) await handler.call(tx, call);
  }
}
