import { MCPTool } from 'mcp-framework';
import { z } from 'zod';

export default class WhoamiTool extends MCPTool {
  name = 'whoami';
  description = 'Who is logged in';
  schema = z.object({ greeting: z.string().optional().describe('How to greet') });
  async execute({ greeting }) {
    return `${greeting ?? 'Hello'}!`;
  }
}
