import { Injectable, OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { findMethods, FoundMethod } from '../platform/jobs/handlers';
import { onStripeEventMetadata } from './on-stripe-event.decorator';

type Handler = FoundMethod<readonly string[]>;

/** Who listens to which type of event: found once, at start. */
@Injectable()
export class StripeEventHandlers implements OnModuleInit {
  private readonly handlers = new Map<string, Handler[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    for (const method of findMethods<readonly string[]>(
      this.discovery,
      this.scanner,
      this.reflector,
      onStripeEventMetadata,
    )) {
      for (const type of method.metadata) this.handlers.set(type, [...this.of(type), method]);
    }
  }

  of(type: string): readonly Handler[] {
    return this.handlers.get(type) ?? [];
  }

  get types(): readonly string[] {
    return [...this.handlers.keys()].sort();
  }
}
