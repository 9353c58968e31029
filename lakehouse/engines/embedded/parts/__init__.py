"""Point-in-time features of many rows, in parts that lie in files before and after.

`features` is where it begins. On their way rows are read (`streamed`), put in the order of their
keys (`clustered`, by `buckets` and `distinct_keys`), computed (`answers`) and put back into the
order of the spine (`collected`, by `placed`). All lie in files in between (`spilled`).
"""
