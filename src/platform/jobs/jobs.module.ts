import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Events } from '../events/events.service';
import { Jobs } from './jobs.service';

/** Jobs, and the events that travel as jobs. */
@Global()
@Module({ imports: [DiscoveryModule], providers: [Jobs, Events], exports: [Jobs, Events] })
export class JobsModule {}
