import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { describeApi } from './api-document';
import { AppModule } from './app.module';
import { Config } from './platform/config/config';
import { configureHttp } from './platform/http/configure-http';
import { createHttpAdapter } from './platform/http/http-adapter';
import { serveOpenApi } from './platform/open-api/open-api-document';
import { Clock } from './shared/clock';

/** The application, ready to listen: what main.ts serves and the tests drive. */
export async function createApp(config: Config, clock?: Clock): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, clock),
    createHttpAdapter(config),
    {
      bodyParser: false,
      bufferLogs: true,
      abortOnError: false,
    },
  );
  await configureHttp(app);
  serveOpenApi(app, () => describeApi(app));
  if (!config.roles.has('api')) serveHealthOnly(app);
  return app;
}

/** A worker that listens tells how it is, and nothing else. */
function serveHealthOnly(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/health/') || request.url === '/metrics') done();
    else void reply.status(404).send();
  });
}
