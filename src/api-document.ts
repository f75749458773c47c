import { NestFactory } from '@nestjs/core';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { AppModule } from './app.module';
import { outgoingEventPayloads } from './outgoing-events.dto';
import { readConfig } from './platform/config/config';
import { createHttpAdapter } from './platform/http/http-adapter';
import { makeOpenApiDocument } from './platform/open-api/open-api-document';

/** The API's document as this application would serve it. */
export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  return makeOpenApiDocument(app, outgoingEventPayloads);
}

/** The same without a database, a network or a running service: the application is looked at, and nothing of it is made. */
export async function describeApiOffline(): Promise<OpenAPIObject> {
  const config = readConfig({}).with({ databaseUrl: 'postgres://nowhere', stripeApiKey: 'sk_test_none' });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), createHttpAdapter(), {
    preview: true,
    bodyParser: false,
    logger: ['fatal', 'error'],
    abortOnError: false,
  });
  return describeApi(app);
}
