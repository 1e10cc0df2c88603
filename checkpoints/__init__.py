"""Everything durable: corpus readers, the workspace's tables (all SQL of tnt), leases, savers, atomic files.

The contract of this room: kill -9 anywhere, and nothing that was finished is lost. Nothing is written into
this folder at run time; what is durable lives in the user's workspace.
"""
