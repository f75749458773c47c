import { Controller, Get, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/roles.decorator';
import { LivenessView, ReadinessView } from './health.dto';
import { HealthService } from './health.service';

@Controller('health')
@ApiTags('Operations')
@Public()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** The process runs. Restart it when this fails. */
  @Get('live')
  live(): LivenessView {
    return { status: 'ok' };
  }

  /** The process can do its work: 200, or 503 with what is missing. Send it no traffic while this fails. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessView> {
    const readiness = await this.health.readiness();
    if (readiness.status !== 'ok') void reply.status(503).header('retry-after', '5');
    return readiness;
  }
}
