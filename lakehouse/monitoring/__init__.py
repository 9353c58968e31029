"""What became of what was served: is it what the lake's history says?"""
