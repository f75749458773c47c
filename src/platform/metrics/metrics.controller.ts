import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/roles.decorator';
import { Metrics } from './metrics.service';

/** For Prometheus. Holds numbers only, no ids; keep it inside your network all the same. */
@Controller('metrics')
@ApiExcludeController()
@Public()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async read(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
