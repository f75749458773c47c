import { Global, Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller';
import { Metrics } from './metrics.service';
import { QueueMetrics } from './queue-metrics';

@Global()
@Module({ controllers: [MetricsController], providers: [Metrics, QueueMetrics], exports: [Metrics] })
export class MetricsModule {}
