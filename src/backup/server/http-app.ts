/** The HTTP API of a backup server as one hono application: what every request passes, then the routes. */
import { Hono } from 'hono';
import { ArrayError } from '../../base/errors.js';
import { API_PREFIX } from '../api.js';
import { clientRoutes } from './client-routes.js';
import { metricsText, type ServerMetrics } from './metrics.js';
import {
  answerRefusal,
  checkProtocol,
  limitBody,
  requireRole,
  type ServerEnv,
} from './request-checks.js';
import type { ServerParts } from './server-parts.js';
import { userRoutes } from './user-routes.js';

export function httpApp(parts: ServerParts, metrics: ServerMetrics): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  app.onError((error, context) => answerRefusal(parts.log, error, context));
  app.notFound((context) => {
    const reason = `there is no ${context.req.method} ${context.req.path} at a backup server`;
    return answerRefusal(parts.log, new ArrayError('ENOENT', reason), context);
  });
  app.use('*', limitBody);
  app.use('*', checkProtocol(parts.about.version));
  app.use('*', async (_context, next) => {
    parts.renewCatalog();
    await next();
  });
  app.get('/metrics', requireRole(parts.clients, 'admin'), async (context) => {
    const { text, contentType } = await metricsText(metrics);
    return context.body(text, 200, { 'content-type': contentType });
  });
  // Before those of users, who have all other paths.
  app.route(`${API_PREFIX}/client`, clientRoutes(parts));
  app.route(API_PREFIX, userRoutes(parts));
  return app;
}
